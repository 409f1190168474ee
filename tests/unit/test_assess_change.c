/* Warm-up: found where it ends, not found where there is none, and series that never settle. */
#include "assess/stats_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static double normal(uint64_t *seed) {
    double u = 1 - assess_random_unit(seed), v = assess_random_unit(seed);
    return sqrt(-2 * log(u)) * cos(6.28318530717958647692 * v);
}

enum { LONGEST = 60000 };
static double values[LONGEST];

/* Latencies of 1, log-normal by sigma, neighbours correlated by phi; the first `slow` are longer
 * by `factor`. */
static void make_series(size_t n, size_t slow, double factor, double sigma, double phi,
                        uint64_t *seed) {
    double x = normal(seed);
    for (size_t i = 0; i < n; i++) {
        values[i] = exp(sigma * x) * (i < slow ? factor : 1);
        x = phi * x + sqrt(1 - phi * phi) * normal(seed);
    }
}

int main(void) {
    bool settled; uint64_t seed = 1;
    struct {size_t n, slow; double f, s, phi; } c[] = {{200,20,2,.2,0},{1000,100,1.5,.2,0},{1000,10,3,.2,0},{1000,5,3,.2,0},{12000,600,1.3,.3,0},{60000,3000,1.2,.3,0},{60000,45,2,.3,0},{50,5,5,.1,0},{1000,150,2,.3,.5},{12000,900,1.5,.3,.9},
    {1000,0,1,.3,0},{50,0,1,.3,0},{8,0,1,.3,0},{12000,0,1,.3,0},{1000,0,1,.3,.5},{1000,0,1,.3,.8},{12000,0,1,.3,.9},{60000,0,1,.3,.97}};
    for (size_t i=0;i<sizeof c/sizeof*c;i++) {
      int found=0, uns=0, near=0; double mean=0, worst=0;
      int S = c[i].n>20000?40:200;
      for (int s=0;s<S;s++) { make_series(c[i].n,c[i].slow,c[i].f,c[i].s,c[i].phi,&seed);
        size_t w=assess_warm_up(values,c[i].n,(uint64_t)s,&settled); found+= w>0; uns+=!settled; double d=fabs((double)w-(double)c[i].slow); if(w>0&&settled){mean+=d/S; if(d>worst)worst=d; near += d<=3;}}
      print_message("n %zu slow %zu f %g s %g phi %g: found %d/%d unsettled %d mean off %g worst %g near %d\n",c[i].n,c[i].slow,c[i].f,c[i].s,c[i].phi,found,S,uns,mean,worst,near);
    }
    return 0;
}
