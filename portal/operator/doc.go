// Package operator is an operator's console: the pages below
// /t/<tenant>/console/.
//
// Its parts are packages of their own: desk, business and admin, framed by
// frame.
package operator
