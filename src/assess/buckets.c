#include "buckets.h"

const char *const assess_bucket_names[ASSESS_BUCKETS] = {
#define ASSESS_BUCKET_ROW(name, text, title, meaning) text,
    ASSESS_BUCKET_LIST(ASSESS_BUCKET_ROW)
#undef ASSESS_BUCKET_ROW
};

const char *const assess_bucket_titles[ASSESS_BUCKETS] = {
#define ASSESS_BUCKET_ROW(name, text, title, meaning) title,
    ASSESS_BUCKET_LIST(ASSESS_BUCKET_ROW)
#undef ASSESS_BUCKET_ROW
};

const char *const assess_bucket_meanings[ASSESS_BUCKETS] = {
#define ASSESS_BUCKET_ROW(name, text, title, meaning) meaning,
    ASSESS_BUCKET_LIST(ASSESS_BUCKET_ROW)
#undef ASSESS_BUCKET_ROW
};
