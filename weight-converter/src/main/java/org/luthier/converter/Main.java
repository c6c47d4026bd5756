package org.luthier.converter;

import java.io.PrintStream;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.luthier.api.LuthierException;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;

/** The converter as a program, without a framework: model families are found on the class path. */
public final class Main {
    private static final String USAGE = "usage: IN -o OUT [--family F] [--ledger FILE] [--force]";

    private Main() {}

    /** Exits with 0 if it is done, 1 if it could not be done, 2 if the arguments are wrong. */
    public static void main(String[] arguments) {
        List<ModelFamily> families = ServiceLoader.load(ModelFamily.class).stream()
                .map(ServiceLoader.Provider::get)
                .toList();
        System.exit(run(arguments, families, System.out, System.err));
    }

    static int run(String[] arguments, List<ModelFamily> families, PrintStream out, PrintStream err) {
        Arguments parsed;
        try {
            parsed = Arguments.parse(arguments);
        } catch (IllegalArgumentException e) {
            err.println(e.getMessage() + "; " + USAGE);
            return 2;
        }
        try {
            Path ledger = parsed.ledger() == null ? Converter.ledgerBeside(parsed.target()) : parsed.ledger();
            Conversion conversion = new Converter(Checkpoints.builtIn(), families)
                    .convert(parsed.source(), parsed.family(), parsed.target(), ledger, parsed.force());
            out.print(conversion.table());
            out.println(conversion.target() + " sha256 " + conversion.sha256());
            return 0;
        } catch (LuthierException e) {
            err.println(e.getMessage());
            return 1;
        }
    }

    private record Arguments(Path source, Path target, String family, Path ledger, boolean force) {
        static Arguments parse(String[] arguments) {
            List<Path> sources = new ArrayList<>();
            Path target = null;
            String family = null;
            Path ledger = null;
            boolean force = false;
            for (int i = 0; i < arguments.length; i++) {
                String argument = arguments[i];
                switch (argument) {
                    case "-o" -> target = path(value(arguments, ++i));
                    case "--family" -> family = value(arguments, ++i);
                    case "--ledger" -> ledger = path(value(arguments, ++i));
                    case "--force" -> force = true;
                    default -> {
                        if (argument.startsWith("-")) {
                            throw new IllegalArgumentException("unknown option " + argument);
                        }
                        sources.add(path(argument));
                    }
                }
            }
            if (sources.size() != 1 || target == null) {
                throw new IllegalArgumentException("one input and -o OUT are needed");
            }
            return new Arguments(sources.get(0), target, family, ledger, force);
        }

        private static String value(String[] arguments, int index) {
            if (index >= arguments.length) {
                throw new IllegalArgumentException(arguments[index - 1] + " needs a value");
            }
            return arguments[index];
        }

        private static Path path(String text) {
            try {
                return Path.of(text);
            } catch (InvalidPathException e) {
                throw new IllegalArgumentException("'" + text + "' is no path", e);
            }
        }
    }
}
