// Package reference is the part of an operator's console for what tariffs stand on: prefix decks, holiday calendars and exchange rates.
//
// It translates: reads a form, calls the domain (billing/catalog), shows what
// came of it. It owns no rule of the business.
package reference
