package org.luthier.shell;

import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.luthier.shell.internal.Console;
import picocli.CommandLine.Option;

/** The option of the commands that answer with a table for people or one JSON object for programs. */
final class JsonOption {
    @Option(names = "--json", description = "Print one JSON object.")
    boolean asked;

    /** Prints the one that was asked for; only that one is made. */
    void print(Console console, Supplier<Map<String, Object>> object, Supplier<String> table) {
        print(console, object, table, UnaryOperator.identity());
    }

    /** The same.
     *
     * @param paint colours the table, on a terminal */
    void print(
            Console console,
            Supplier<Map<String, Object>> object,
            Supplier<String> table,
            UnaryOperator<String> paint) {
        if (asked) {
            console.json(object.get());
        } else {
            console.print(table.get().stripTrailing(), paint);
        }
    }
}
