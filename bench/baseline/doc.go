// Package baseline is what the benchmarks are compared with.
//
// It owns the copying of a run's rows by COPY and the set-based SQL of a bill
// run (bill_run.sql). It does not own what is measured, nor the goals. It works
// as the cluster's administrator, in schemas of its own.
//
// Always true:
//   - A baseline does the least that could do the same work: it checks nothing
//     and decides nothing that the product has to.
//   - Its tables have the constraints and indexes of the product's.
package baseline
