package text

var deskRU = map[string]string{}
