/* Before and after a model: pictures and text to tensors, and from tensors text regions and
 * characters.
 *
 * Letters: H and W rows and columns, C channels, T places of a sequence, K classes, N regions.
 * Positions are in pixels, x to the right and y down; the centre of the first pixel is at (0.5,
 * 0.5) for pictures, and at (0, 0) on a probability map.  Functions return a status as those of
 * ashore.h do; values they make are to be released. */
#ifndef ASHORE_PREP_H
#define ASHORE_PREP_H

#include "ashore/ashore.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A picture of bytes, borrowed: rows from the top, `stride` bytes apart, pixels of `channels`
 * bytes: 1 grey, 3 RGB, 4 RGBA (composed over white).  At most 65536 wide and high. */
struct ashore_image {
    const uint8_t *pixels;
    int32_t width, height, stride, channels;
};

enum ashore_fit {
    ASHORE_FIT_STRETCH = 0,   /* the aspect is not kept */
    ASHORE_FIT_LETTERBOX = 1, /* all of the picture in the middle, the rest is padded */
    ASHORE_FIT_START = 2,     /* all of the picture at the top left, the rest is padded */
    ASHORE_FIT_CROP = 3       /* the middle of the picture, as much as fills the tensor */
};

struct ashore_image_options {
    size_t struct_size;
    int32_t width, height;   /* of the tensor */
    int32_t fit;             /* enum ashore_fit */
    int32_t channels;        /* 3, or 1: grey (0.299 R + 0.587 G + 0.114 B) */
    int32_t bgr;             /* the channels in reverse order */
    int32_t channels_last;   /* [1,H,W,C] rather than [1,C,H,W] */
    int32_t dtype;           /* ASHORE_FLOAT32, or ASHORE_UINT8: rounded, mean and scale unused */
    int32_t antialias;       /* shrinking takes the mean of what a pixel covers (as Pillow does);
                                0: of the four nearest pixels (as OpenCV does) */
    float mean[3], scale[3]; /* of R, G and B: (x - mean) * scale for x of 0..255 */
    float pad;               /* value in the tensor where there is no picture */
};
/* float32 [1,3,H,W], RGB, 0..255 unchanged; width and height are to be set. */
ASHORE_API void ashore_image_options_init(struct ashore_image_options *options);

/* The picture, resized bilinearly, as a tensor of shape [1,C,H,W] or [1,H,W,C]. */
ASHORE_API int ashore_image_tensor(const struct ashore_image *image,
                                   const struct ashore_image_options *options, ashore_value **value,
                                   struct ashore_error *err);

/* The part of a picture inside of a quadrangle, made upright by a projective map, as uint8 [H,W,3]:
 * corner i of x and y (clockwise from the top left) goes to corner i of the result.  Outside of the
 * picture its edge is repeated. */
ASHORE_API int ashore_image_warp(const struct ashore_image *image, const float x[4],
                                 const float y[4], int32_t width, int32_t height,
                                 ashore_value **value, struct ashore_error *err);

/* How text regions are found on a map of probabilities that a place lies inside of (shrunk) text:
 * differentiable binarisation, Liao et al., arXiv 1911.08947. */
struct ashore_text_options {
    size_t struct_size;
    float threshold;        /* a place above it belongs to a region (0.3) */
    float score;            /* regions of a lower mean probability are dropped (0.6) */
    float unclip;           /* how much regions grow, by area over perimeter (1.5) */
    float least_side;       /* narrower regions are dropped, on the map (3) */
    float scale_x, scale_y; /* from places of the map to pixels of the picture (1) */
    int32_t polygons;       /* also trace the outlines (0) */
};
ASHORE_API void ashore_text_options_init(struct ashore_text_options *options);

/* The text regions of a map [height,width], lines from the top and from left to right.  regions:
 * float32 [N,9], the corners x0 y0 .. x3 y3 clockwise from the top left of the smallest rectangle
 * that holds the grown region, in pixels of the picture, and the score.  polygons (NULL, or with
 * options->polygons): float32 [M,3], the points of all outlines: number of the region, x, y. */
ASHORE_API int ashore_text_regions(const float *map, int32_t height, int32_t width,
                                   const struct ashore_text_options *options,
                                   ashore_value **regions, ashore_value **polygons,
                                   struct ashore_error *err);

/* Greedy decoding of connectionist temporal classification (Graves et al., 2006): the likeliest of
 * `classes` at each of `places`, repetitions once, class 0 (blank) dropped.  classes_out has room
 * for `places`.  Returns how many there are; *confidence is the mean of their probabilities, 0 when
 * there are none. */
ASHORE_API int32_t ashore_ctc_greedy(const float *probabilities, int32_t places, int32_t classes,
                                     int32_t *classes_out, float *confidence);

/* A WordPiece tokenizer as BERT and its descendants have (Devlin et al., arXiv 1810.04805): UTF-8
 * is cut into words at white space, punctuation and around CJK characters, and each word into the
 * longest pieces that the vocabulary has.  Immutable: any number of threads may use one. */
typedef struct ashore_tokenizer ashore_tokenizer;

struct ashore_tokenizer_options {
    size_t struct_size;
    int32_t lower_case;    /* 1; 0 for "cased" vocabularies */
    int32_t strip_accents; /* 1: decompose (NFD) and drop marks; 0 for "cased" vocabularies */
    int32_t longest_word;  /* in characters, 1 to 1000; longer words are unknown (100) */
    const char *unknown, *first, *separator; /* "[UNK]", "[CLS]", "[SEP]"; first or separator NULL:
                                                none is put there */
    const char *continuation;                /* before pieces inside of a word ("##") */
};
ASHORE_API void ashore_tokenizer_options_init(struct ashore_tokenizer_options *options);

/* vocab: `size` bytes of text, copied; each line is a token, whose id is the line's number, from 0
 * (a vocab.txt).  options NULL: as initialised.  ASHORE_ERR_NAME when a special token is no line.
 */
ASHORE_API int ashore_tokenizer_create(const void *vocab, size_t size,
                                       const struct ashore_tokenizer_options *options,
                                       ashore_tokenizer **tokenizer, struct ashore_error *err);
ASHORE_API void ashore_tokenizer_destroy(ashore_tokenizer **tokenizer);

/* first text separator, or with a pair (NULL: none): first text separator pair separator.  At most
 * `room` ids are written; a text that does not fit is cut at its end, of a pair the longer one
 * first.  types (NULL: not wanted): 0, and 1 from the pair on.  *count is how many were written.
 * Bytes that are no UTF-8, control characters and U+FFFD are dropped; special tokens in the text
 * are text.  ASHORE_ERR_LIMIT when not even the special tokens fit. */
ASHORE_API int ashore_tokenizer_encode(const ashore_tokenizer *tokenizer, const char *text,
                                       size_t text_size, const char *pair, size_t pair_size,
                                       size_t room, int64_t *ids, int64_t *types, size_t *count,
                                       struct ashore_error *err);
/* How many ids there are, and the token of one, not zero-terminated; NULL outside of them. */
ASHORE_API size_t ashore_tokenizer_size(const ashore_tokenizer *tokenizer);
ASHORE_API const char *ashore_tokenizer_token(const ashore_tokenizer *tokenizer, int64_t id,
                                              size_t *length);

#ifdef __cplusplus
}
#endif

#endif
