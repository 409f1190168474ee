/* Monotonic time in seconds. */
#ifndef ASH_BASE_CLOCK_H
#define ASH_BASE_CLOCK_H

double ash_clock(void);

#endif
