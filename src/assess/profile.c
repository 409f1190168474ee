#include "profile.h"

double assess_sum(const double seconds[ASSESS_BUCKETS]) {
    double sum = 0;
    for (int b = 0; b < ASSESS_BUCKETS; b++) sum += seconds[b];
    return sum;
}

double assess_share(const double seconds[ASSESS_BUCKETS], enum assess_bucket b) {
    double sum = assess_sum(seconds);
    return sum > 0 ? seconds[b] / sum : 0;
}

double assess_share_of_work(const double seconds[ASSESS_BUCKETS], enum assess_bucket b) {
    double work = assess_sum(seconds) - seconds[ASSESS_IDLE];
    return b != ASSESS_IDLE && work > 0 ? seconds[b] / work : 0;
}
