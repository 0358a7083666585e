# What the package leaves out of the files of the page: comments and indents.
/^ *(\/\/|\/\*|\*)/d
s/^ +//
/^$/d
