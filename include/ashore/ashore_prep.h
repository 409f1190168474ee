/* Before and after a model: pictures, sound and text to tensors; and from tensors scores, boxes,
 * pictures, text regions and characters.
 *
 * Letters: H and W rows and columns, C channels, T places of a sequence, K classes, N of a batch,
 * regions or boxes.
 * Positions are in pixels, x to the right and y down; the centre of the first pixel is at (0.5,
 * 0.5) for pictures, and at (0, 0) on a probability map.  Functions return a status as those of
 * ashore.h do; values they make are to be released. */
#ifndef ASHORE_PREP_H
#define ASHORE_PREP_H

#include "ashore/ashore.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- pictures to tensors -------------------------------------------------------------------- */

/* A picture of bytes, borrowed: rows from the top, `stride` bytes apart, pixels of `channels`
 * bytes: 1 grey, 3 RGB, 4 RGBA (not premultiplied; composed over a background).  At most 65536 wide
 * and high. */
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

enum ashore_filter { ASHORE_BILINEAR = 0, ASHORE_NEAREST = 1, ASHORE_BICUBIC = 2 /* a = -0.5 */ };

struct ashore_image_options {
    size_t struct_size;
    int32_t width, height;   /* of the tensor */
    int32_t fit;             /* enum ashore_fit */
    int32_t channels;        /* 3, or 1: grey (0.299 R + 0.587 G + 0.114 B) */
    int32_t bgr;             /* the channels in reverse order */
    int32_t channels_last;   /* [N,H,W,C] rather than [N,C,H,W] */
    int32_t dtype;           /* ASHORE_FLOAT32, ASHORE_FLOAT16, ASHORE_INT8: rounded, ties to even,
                                and limited; ASHORE_UINT8: rounded, mean and scale unused */
    int32_t filter;          /* enum ashore_filter */
    int32_t antialias;       /* the filter is as wide as what a pixel covers (as Pillow shrinks);
                                0: it reaches the nearest pixels alone (as OpenCV does) */
    float mean[3], scale[3]; /* of R, G and B: (x - mean) * scale for x of 0..255 */
    float pad;               /* value in the tensor where there is no picture */
    float background[3];     /* R, G and B of 0..255 behind what is transparent */
    /* The part of the picture that is taken, in pixels; all 0: the whole.  Beyond the edges of the
     * picture they are repeated. */
    float left, top, part_width, part_height;
    float crop_pct; /* ASHORE_FIT_CROP: how much of that middle, from above 0 to 1 */
};
/* float32 [1,3,H,W], RGB, 0..255 unchanged, over white; width and height are to be set. */
ASHORE_API void ashore_image_options_init(struct ashore_image_options *options);

/* The picture, resized, as a tensor of shape [1,C,H,W] or [1,H,W,C]. */
ASHORE_API int ashore_image_tensor(const struct ashore_image *image,
                                   const struct ashore_image_options *options, ashore_value **value,
                                   struct ashore_error *err);
/* The same as picture `index` of a batch: a tensor [N,C,H,W] or [N,H,W,C] of the options' type. */
ASHORE_API int ashore_image_write(const struct ashore_image *image,
                                  const struct ashore_image_options *options, ashore_value *batch,
                                  int64_t index, struct ashore_error *err);

/* Position (u, v) of the tensor shows position (left + u * step_x, top + v * step_y) of the
 * picture. */
struct ashore_placement {
    float left, top, step_x, step_y;
};
/* Where a picture of that size lies in its tensor. */
ASHORE_API int ashore_image_placement(int32_t width, int32_t height,
                                      const struct ashore_image_options *options,
                                      struct ashore_placement *placement, struct ashore_error *err);

/* The way back: picture `index` of a tensor [N,C,H,W] (or [C,H,W] or, grey, [H,W]; with
 * channels_last [N,H,W,C], [H,W,C]) as uint8 [H,W,4], RGBA.  C is 1 (grey), 3 or 4 (the last is
 * alpha, as red is scaled).  Of the options bgr, channels_last, mean and scale are used, as they
 * were for the way there: x / scale + mean, rounded and limited to 0..255, and bytes as they are.
 */
ASHORE_API int ashore_image_picture(const ashore_value *tensor, int64_t index,
                                    const struct ashore_image_options *options,
                                    ashore_value **value, struct ashore_error *err);

/* A mask or a map of classes as a picture to lay over another, uint8 [H,W,4], RGBA: a tensor whose
 * last two extents are H and W, and all others 1.  Whole numbers take the colour (R, G, B, A) of
 * that number, modulo `colors`; numbers in floating point the first colour, with its alpha times
 * the number, limited to 0..1. */
ASHORE_API int ashore_mask_picture(const ashore_value *mask, const uint8_t *palette, int32_t colors,
                                   ashore_value **value, struct ashore_error *err);

/* The part of a picture inside of a quadrangle, made upright by a projective map, as uint8 [H,W,3]:
 * corner i of x and y (clockwise from the top left) goes to corner i of the result.  Outside of the
 * picture its edge is repeated. */
ASHORE_API int ashore_image_warp(const struct ashore_image *image, const float x[4],
                                 const float y[4], int32_t width, int32_t height,
                                 ashore_value **value, struct ashore_error *err);

/* ---- scores --------------------------------------------------------------------------------- */

/* Over axis `axis` (negative: from the end) of a numeric tensor; results are float32 of the same
 * shape.  Computed in double, of numbers as float32. */
ASHORE_API int ashore_softmax(const ashore_value *x, int axis, ashore_value **y,
                              struct ashore_error *err);
/* Element by element, of any shape. */
ASHORE_API int ashore_sigmoid(const ashore_value *x, ashore_value **y, struct ashore_error *err);
/* The index of the largest over an axis, of equal ones the lowest; NaN is the least.  int32,
 * without the axis, whose extent is 1 at least. */
ASHORE_API int ashore_argmax(const ashore_value *x, int axis, ashore_value **indices,
                             struct ashore_error *err);
/* The k largest over an axis, largest first, of equal ones that of the lower index; NaN is the
 * least.  values: float32, indices: int32, both of the shape of x with k at the axis; k is at most
 * its extent.  Either may be NULL: not wanted. */
ASHORE_API int ashore_top_k(const ashore_value *x, int axis, int64_t k, ashore_value **values,
                            ashore_value **indices, struct ashore_error *err);

/* ---- boxes ---------------------------------------------------------------------------------- */

enum ashore_box_format {
    ASHORE_BOX_XYXY = 0,   /* left, top, right, bottom */
    ASHORE_BOX_XYWH = 1,   /* left, top, width, height */
    ASHORE_BOX_CXCYWH = 2, /* centre, width, height */
    ASHORE_BOX_YXYX = 3    /* top, left, bottom, right */
};

/* float32 [..,4] from boxes [..,4] of another format. */
ASHORE_API int ashore_boxes_convert(const ashore_value *boxes, int from, int to,
                                    ashore_value **value, struct ashore_error *err);

/* Non-maximum suppression of boxes [N,4] (left, top, right, bottom) by scores [N]: from the highest
 * score on (of equal ones from the first on), those whose intersection over union with one that was
 * taken, and with `classes` ([N], NULL: none) of the same class, is above `iou` are dropped.
 * Scores below `score` and NaN are dropped first; at most `most` are taken (0: all).  kept: int32
 * [M], the indices of what was taken. */
ASHORE_API int ashore_boxes_nms(const ashore_value *boxes, const ashore_value *scores,
                                const ashore_value *classes, float iou, float score, int64_t most,
                                ashore_value **kept, struct ashore_error *err);

enum ashore_activation { ASHORE_NONE = 0, ASHORE_SIGMOID = 1, ASHORE_SOFTMAX = 2 };

struct ashore_detect_options {
    size_t struct_size;
    int32_t format;         /* enum ashore_box_format */
    int32_t transposed;     /* rows lie in columns: [..,4+K,N] rather than [..,N,4+K] */
    int32_t objectness;     /* a score of its own comes before those of the classes, which it
                               multiplies */
    int32_t activation;     /* enum ashore_activation, of the scores */
    int32_t background;     /* which class is none: its number, counted from the end when negative;
                               INT32_MIN: no class is */
    int32_t class_agnostic; /* boxes of different classes suppress each other */
    float score, iou;       /* 0.25, 0.45; iou 1: nothing is suppressed */
    int32_t most;           /* at most so many (300) */
    float scale_x, scale_y; /* from what the model gives to positions of the tensor (1): the
                               tensor's size, where boxes are parts of it */
    struct ashore_placement placement; /* from there to the picture (0, 0, 1, 1) */
    int32_t width, height;             /* of the picture, to which boxes are cut; 0: they are not */
};
ASHORE_API void ashore_detect_options_init(struct ashore_detect_options *options);

/* What a detector has found, of its output: rows of a box and the scores of the classes, in a
 * tensor [N,4+K], all extents before these 1.  With `scores` (NULL: none) the boxes are [N,4] and
 * the scores [N,K] in a tensor of its own.  Each row is of its likeliest class.  value: float32
 * [M,6], left, top, right, bottom in pixels of the picture, score, class; the highest score first.
 */
ASHORE_API int ashore_detect(const ashore_value *boxes, const ashore_value *scores,
                             const struct ashore_detect_options *options, ashore_value **value,
                             struct ashore_error *err);

/* ---- sound ---------------------------------------------------------------------------------- */

/* Sound, borrowed: sample i of channel c lies i * step + c * channel_step samples behind the first.
 * float32, or int16, which is divided by 32768.  Rates are 1 to 1000000 samples a second. */
struct ashore_sound {
    const void *samples;
    int32_t dtype, channels;
    int64_t frames, step, channel_step;
    int32_t rate;
};

/* The mean of the channels at another rate, float32 [1,ceil(frames * rate / sound->rate)].  A
 * polyphase filter, the windowed sine cardinal (Kaiser): with Nyquist's frequency of the lower rate
 * as 1, unchanged up to 0.9 to 0.001 dB, and damped by 95 dB from 1 on.  Silence is assumed before
 * and behind the sound.  At its own rate the sound stays as it is. */
ASHORE_API int ashore_sound_tensor(const struct ashore_sound *sound, int32_t rate,
                                   ashore_value **value, struct ashore_error *err);

/* Windows of `size` samples, `hop` apart, of a tensor of float32 whose extents are 1 but for the
 * last, [T]: float32 [N,size].  whole 1: as many as lie inside of the sound; 0: until all of it is
 * in one, zeros behind it. */
ASHORE_API int ashore_sound_frames(const ashore_value *sound, int64_t size, int64_t hop,
                                   int32_t whole, ashore_value **value, struct ashore_error *err);

enum ashore_mel_log {
    ASHORE_MEL_POWER = 0,  /* no logarithm */
    ASHORE_MEL_LN = 1,     /* ln(max(x, least)) */
    ASHORE_MEL_DB = 2,     /* 10 log10(max(x, least)) */
    ASHORE_MEL_WHISPER = 3 /* log10(max(x, least)), at least the largest - 8, then (x + 4) / 4 */
};

struct ashore_mel_options {
    size_t struct_size;
    int32_t rate;             /* of the sound (16000) */
    int32_t fft, window, hop; /* samples: of the transform (400), of the Hann window in its middle
                                (400), between two (160) */
    int32_t mels;             /* bands (80) */
    float low, high;          /* Hz, of the lowest and the highest band (0, 0: half the rate) */
    int32_t htk;              /* HTK's scale; 0: Slaney's */
    int32_t normalize;        /* bands of equal area (1), as Slaney has them; 0: of equal height */
    int32_t center;           /* windows are around multiples of hop, the sound mirrored at its ends
                                 (1); 0: they begin there */
    float power;              /* of the magnitude: 2, or 1 */
    int32_t log;              /* enum ashore_mel_log */
    float least;              /* 1e-10 */
    int32_t drop_last;        /* the last window is left out, as Whisper does */
};
ASHORE_API void ashore_mel_options_init(struct ashore_mel_options *options);

/* The energies of mel bands, float32 [1,mels,N], of a tensor of float32 whose extents are 1 but for
 * the last: what librosa.feature.melspectrogram computes, and with ASHORE_MEL_WHISPER the features
 * of OpenAI's Whisper. */
ASHORE_API int ashore_sound_mel(const ashore_value *sound, const struct ashore_mel_options *options,
                                ashore_value **value, struct ashore_error *err);

/* ---- text regions and characters ------------------------------------------------------------ */

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

/* ---- text to tensors ------------------------------------------------------------------------ */

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
