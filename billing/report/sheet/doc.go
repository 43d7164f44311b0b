// Package sheet writes tables for spreadsheets: CSV (RFC 4180, UTF-8) and XLSX
// (ECMA-376), row by row, so that a table of any length takes little memory.
//
// It owns the two formats and what is safe in them. It does not own the tables.
//
// Always true:
//   - A decimal is written with all its digits, never by way of a float: XLSX
//     keeps numbers as text, and so do we. One with more digits than a
//     spreadsheet can hold is a text.
//   - No text becomes a formula: in XLSX texts are texts, in CSV they get an
//     apostrophe where a spreadsheet would reckon (OWASP, CSV injection).
package sheet
