// Package limit slows down whoever asks too often.
//
// It owns token buckets by key, such as a caller's address. It does not own
// what is limited, nor the counters kept with a user (identity), which outlive
// the process.
//
// Always true:
//   - Memory is bounded, whatever keys are made up.
//   - A bucket is forgotten only once it is full again, when nothing is lost by
//     it. While all places are taken, new keys share buckets by a secret hash:
//     whoever floods the table with keys makes things worse for strangers at
//     worst, never better for itself.
package limit
