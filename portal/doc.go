// Package portal puts the pages together: the subscriber's page, its files and
// the front door.
//
// It owns which addresses there are. It does not own what stands on a page
// (subscriber), how requests are received (web) or how things look (ui, static,
// brand).
//
// Always true:
//   - Addresses below /t/<tenant>/v1/ belong to the API and are left alone.
package portal
