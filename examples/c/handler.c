/* cc -O2 -o /tmp/handler examples/c/handler.c && fprocess=/tmp/handler heeler */
#include <ctype.h>
#include <stdio.h>

int main(void) {
    int c;
    while ((c = getchar()) != EOF)
        putchar(toupper(c));
    return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
