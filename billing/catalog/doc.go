// Package catalog holds what an operator sells: offerings and their versions.
//
// It owns the offering document (its format, its check and its text), drafts,
// publication and versions. It does not own how usage is priced (rating), who
// bought what (account) or how much tax a category means (tax).
//
// Always true:
//   - A published version never changes; a change is a new version, and what
//     was sold keeps the version it was sold under.
//   - No version is published while Review finds a fault: a gap, an overlap, a
//     rule that can never apply, a code that nothing has.
//   - Reading what was exported gives the same offering, and exporting it
//     again the same text.
//   - A publication raises the catalog epoch in its own transaction.
//
// A version's states:
//
//	draft ──check──> checked ──try──> tried
//	  ^                 │  └─────┐      │
//	  └──────change─────┴────────┼──────┤
//	                             └publish──> published ──retire──> retired
//
// Publishing a draft checks it on the way. Whether it must have been tried is
// the operator's setting.
package catalog
