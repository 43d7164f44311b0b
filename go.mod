module tollhouse

go 1.26
