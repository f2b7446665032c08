// Proves that a line can be edited in busybox's shell: cursor keys, history, completion, deletions; and
// that a program that reads lines by the terminal's own rules gets them edited by those.
#include "tty_driver.h"

int main(void) {
    alarm(55);
    driver_start((char *[]){"sh", "-i", NULL});
    driver_expect("$ ");
    driver_type("ecko hello\033[D\033[D\033[D\033[D\033[D\033[D\033[D\177h\n"); // left, then a deletion
    driver_expect("\nhello");
    driver_expect("$ ");
    driver_type("\033[A"); // up
    driver_expect("echo hello");
    driver_type(" again\n");
    driver_expect("\nhello again");
    driver_expect("$ ");
    driver_type("\020\020\n"); // ^P twice: the line before
    driver_expect("\nhello\r\n");
    driver_expect("$ ");
    driver_type("garbage\025echo new\n"); // ^U: the whole line
    driver_expect("\nnew");
    driver_expect("$ ");
    driver_type("echo one two\027three\n"); // ^W: a word
    driver_expect("\none three");
    driver_expect("$ ");
    driver_type("cho front\001e\005 end\n"); // ^A and ^E
    driver_expect("\nfront end");
    driver_expect("$ ");
    driver_line("> a-file-with-a-long-name");
    driver_type("ls a-fi\t");
    driver_expect("long-name");
    driver_type("\n");
    driver_expect("\na-file-with-a-long-name");
    driver_expect("$ ");
    // The terminal's own editing.
    driver_type("echo here; cat\n");
    driver_expect("\nhere");
    driver_type("wrong\177\177\177\177\177right \027\025line\n"); // backspaces, ^W, ^U
    driver_expect("\nline");
    driver_type("\026\003literal\n"); // ^V takes ^C as it is
    driver_expect("\n\003literal");
    driver_type("\004");
    driver_expect("$ ");
    driver_type("\004"); // the end of the shell's input
    driver_finish();
    return 0;
}
