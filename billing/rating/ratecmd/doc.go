// Package ratecmd is the rate role: it prices a usage file under an offer
// file, with no database.
//
// It owns the command line, the columns of its usage file, the form of its
// account file and the printed result. It does not own prices (rating) or
// offers (catalog).
//
// Always true:
//   - Events are priced in the order of the file, each on the buckets and
//     counters that the one before left.
//   - Memory does not grow with the file, but for one number a session.
//   - Bad input ends with code 2 and one line that names file, line and field;
//     an event that has no price is told with its reason and ends with code 1.
package ratecmd
