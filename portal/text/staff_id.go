package text

var staffID = map[string]string{}
