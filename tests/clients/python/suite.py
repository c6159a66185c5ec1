"""Runs what stands in the test_*.py of a folder, and closes with the line that tests/clients/run reads."""

import sys
import unittest


def main(folder, *wanted):
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{part}*" for part in wanted] or None
    tests = loader.discover(folder)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests)
    # A test that is skipped shows nothing, and neither do none at all.
    failed = len(result.failures) + len(result.errors) + len(result.skipped) + len(result.unexpectedSuccesses)
    passed = result.testsRun - failed
    print(f"{max(passed, 0)} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
