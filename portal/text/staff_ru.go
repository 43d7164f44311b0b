package text

var staffRU = map[string]string{}
