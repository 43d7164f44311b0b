// Package site makes sites of dedicated stacks on this machine: a folder each,
// with what the first machine's user-data makes in it (a host process and its
// own PostgreSQL cluster).
//
// It owns the folders below its own and the processes that were started in
// them, and touches nothing else: a process is known by the folder in its
// environment, not by its number alone. It implements provisioning.Sites.
//
// What a site is stands in its folder in site.json, written whole or not at
// all; what runs the user-data leaves its exit code beside it. So a control
// plane may be killed at any point, and the next one sees how far it is.
package site
