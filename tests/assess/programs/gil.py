"""Threads that all want the interpreter, all the time.  One of them has it, the others wait for their
turn: that is known without a clock."""

import threading

import truth

THREADS = 3


def work():
    start = truth.clock()
    for _ in truth.rounds(3):
        s = 0
        for k in range(20000):
            s += k * k % 7
    truth.add("gil_wait", truth.clock() - start)


threads = [threading.Thread(target=work) for _ in range(THREADS)]
truth.begin()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
truth.window[1] = truth.clock()
whole = truth.window[1] - truth.window[0]
truth.add("interpreter", whole)
truth.add("gil_wait", -whole)
truth.finish()
