// Package operator is an operator's console: the pages below
// /t/<tenant>/console/.
//
// It owns how the console's parts come together; desk, business and admin are
// packages of their own, framed by frame. It does not own any page.
package operator
