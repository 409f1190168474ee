"""A store of vectors that takes 8 ms to find one, as a database in another building would: a line
with a number is answered with 64 numbers, on as many connections as one likes.

Started as `store.py`, writes its port to standard output, and ends when its standard input does."""

import asyncio
import random
import sys

SECONDS = 0.008


async def answer(reader, writer):
    while line := await reader.readline():
        await asyncio.sleep(SECONDS)
        rng = random.Random(int(line))
        writer.write((" ".join(f"{rng.random():.6f}" for _ in range(64)) + "\n").encode())
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
