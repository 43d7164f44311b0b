// Package letter tells subscribers of their bills: by mail, in their language,
// with a link that pays without signing in.
//
// It owns the words of these mails and which bills of a run have been told. It
// does not own the bills (bill), the links (payment) or how mails leave
// (notice).
//
// Always true:
//   - A bill of a run is told once, in the transaction that notes how far the
//     run has been told; what is paid already, and who has no address, is not.
//   - The link pays this bill and nothing else.
package letter
