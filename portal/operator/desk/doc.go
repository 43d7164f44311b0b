// Package desk is the part of an operator's console for the desk: finding subscribers, one subscriber's page with the clerk's acts, and connecting one.
//
// It translates: reads a form, calls the domain, shows what came of it. It owns
// no rule of the business.
package desk
