// Package command carries out what a form of the console asks for, once.
//
// It owns the key of a form and the row in the audit trail that every change of
// a person leaves. It does not own what is done (the domain) nor who may do it
// (the address's permission).
package command
