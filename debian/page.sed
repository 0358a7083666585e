# What the package leaves out of the page's modules and style sheet: comments and indents.
/^ *(\/\/|\/\*|\*)/d
s/^ +//
/^$/d
