// Package statement reads what banks tell of an account: camt.053 and camt.054
// of any version, and lines of text whose columns are declared.
//
// It owns these forms. It does not own what a movement is for (reconcile).
//
// Always true:
//   - A movement's reference is once in its account: the bank's, or a digest of
//     the movement itself.
//   - Of a batch each part is a movement, and together they are the batch.
//   - Only what was booked is read.
package statement
