// Package migrations is the part of an operator's console where sold versions
// of an offer are moved to a newer one: planned, previewed, followed, cancelled.
//
// It translates forms into calls of the domain. It owns no rule of a migration.
package migrations
