package text

var staffEN = map[string]string{}
