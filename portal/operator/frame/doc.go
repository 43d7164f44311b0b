// Package frame is what stands around every page of an operator's console: its
// navigation, banners and search.
//
// It owns the list of the console's sections and who sees which. It does not
// own the pages themselves (desk, business, admin) nor who may do what
// (billing/identity): a section that is hidden here is refused there as well.
package frame
