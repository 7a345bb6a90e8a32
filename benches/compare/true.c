/* The cheapest program that takes a body: it reads its input to the end and says nothing, so that what is left is the cost of a
 * process. Without the reading, whoever writes the body would meet a closed pipe by chance, and some answer that with an error. */
#include <unistd.h>

int main(void) {
    char body[4096];
    while (read(0, body, sizeof body) > 0) {
    }
    return 0;
}
