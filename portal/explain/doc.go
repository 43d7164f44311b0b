// Package explain tells in words why a use cost what it did, for whoever looks
// at it: the subscriber at its own page, the clerk at the operator's console.
//
// It owns the words of rating's steps and the row of a list of uses. It does
// not own the steps themselves (billing/rating) nor who may see them.
package explain
