"""``python -m simulation --seconds 60``: histories of one seed after the other; the first that fails is told."""

import argparse
import sys
import time
import traceback

from simulation.compared import run_seed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to go on")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1_000_000_000, help="how many seeds at the most")
    parser.add_argument("--failures", type=int, default=1, help="how many failures to tell before it ends")
    args = parser.parse_args()
    end = time.monotonic() + args.seconds
    failures = done = steps = 0
    for seed in range(args.first, args.first + args.count):
        if time.monotonic() > end or failures >= args.failures:
            break
        done += 1
        try:
            steps += run_seed(seed)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failures += 1
            print(f"seed {seed}: {error!r}")
            traceback.print_exc(limit=-4, file=sys.stdout)
    print(f"{done} seeds from {args.first} on, {steps} steps, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
