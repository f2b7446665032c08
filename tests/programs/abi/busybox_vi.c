// Proves that busybox's vi edits a file on a terminal: inserts, deletes, substitutes, undoes, saves.
#include "tty_driver.h"

static void show(const char *path) {
    char text[4096];
    int file = open(path, O_RDONLY);
    ssize_t count = read(file, text, sizeof text);
    close(file);
    printf("%s holds %zd bytes:\n%.*s", path, count, (int)(count > 0 ? count : 0), text);
}

// A colon command, and what it answers.
static void command(const char *line, const char *answer) {
    driver_type(line);
    driver_expect(line);
    driver_type("\r");
    driver_expect(answer);
}

int main(void) {
    alarm(55);
    FILE *file = fopen("text", "w");
    for (int line = 1; line <= 40; line++) fprintf(file, "line %d\n", line);
    fclose(file);
    driver_start((char *[]){"vi", "text", NULL});
    driver_expect("text 1/40");
    driver_type("iinserted \033"); // the escape ends the insertion
    driver_expect("inserted");
    driver_expect("text [Modified] 1/40");
    driver_type("jdd");
    driver_expect("Delete 1 lines");
    driver_type("G");
    driver_expect("text [Modified] 39/39");
    driver_type("oappended\033");
    driver_expect("appended");
    driver_expect("text [Modified] 40/40");
    driver_type("/line 7\r");
    driver_expect("continuing at TOP");
    driver_type("cwword\033");
    driver_expect("word");
    command(":%s/line 1/LINE 1/", "LINE");
    command(":w", "L, ");
    show("text");
    driver_type(":1\rdG");
    driver_expect("Delete 40 lines");
    command(":q", "No write since last change");
    driver_type(":q!\r");
    while (driver_read(PATIENCE_MS)) {}
    driver_length = 0; // how the screen is drawn depends on how the keys arrive
    driver_finish();
    show("text");
    return 0;
}
