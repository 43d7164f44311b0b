// Package bench measures the product beside named baselines, in one run on the
// machine at hand.
//
// It owns the benchmarks, the fixtures they make through the domain, and the
// record of their results. It does not own the baselines (bench/baseline), and
// nothing of the product depends on it.
//
// Always true:
//   - A benchmark has a database cluster of its own, with the settings that
//     production has, and leaves nothing behind.
//   - Value and baseline are taken in the same run, and what is compared is the
//     same work: the baseline of a copy holds the same rows, that of a bill run
//     comes to the same totals.
//   - A result names its goal and says whether it was met; sizes below the full
//     ones are never judged.
package bench
