/* The cheapest program: what is left is the cost of a process. */
int main(void) { return 0; }
