/* The processes that descend from this one, read from /proc. */
#ifndef ASH_ASSESS_PROCESS_TREE_H
#define ASH_ASSESS_PROCESS_TREE_H

#include "process.h"

/* Sends a signal to every descendant of this process. */
void assess_tree_signal(int number);

#endif
