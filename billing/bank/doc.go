// Package bank knows how bank details are written.
//
// It owns the form of account numbers and of banks' codes. It does not own whose
// they are (account, tenants), nor whether there is such an account.
package bank
