package text

var deskEN = map[string]string{}
