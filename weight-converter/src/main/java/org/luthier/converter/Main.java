package org.luthier.converter;

import java.io.PrintStream;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;

/** The converter as a program, without a framework: model families are found on the class path. */
public final class Main {
    private static final String USAGE = "usage: IN -o OUT [--to safetensors|t5x|torch] [--dtype f32|f16|bf16]"
            + " [--family F] [--rules FILE] [--ledger FILE] [--force]";

    private Main() {}

    /** Exits with 0 if it is done, 1 if it could not be done, 2 if the arguments are wrong. */
    public static void main(String[] arguments) {
        List<ModelFamily> families = ServiceLoader.load(ModelFamily.class).stream()
                .map(ServiceLoader.Provider::get)
                .toList();
        System.exit(run(arguments, families, System.out, System.err));
    }

    static int run(String[] arguments, List<ModelFamily> families, PrintStream out, PrintStream err) {
        Request request;
        try {
            request = parse(arguments);
        } catch (IllegalArgumentException e) {
            err.println(e.getMessage() + "; " + USAGE);
            return 2;
        } catch (LuthierException e) {
            err.println(e.getMessage());
            return 2;
        }
        try {
            Conversion conversion = new Converter(Checkpoints.builtIn(), families)
                    .convert(
                            request,
                            Runtime.getRuntime().availableProcessors(),
                            Progress.NONE,
                            () -> Thread.currentThread().isInterrupted());
            conversion.warnings().forEach(warning -> err.println("warning: " + warning));
            out.print(conversion.table());
            out.println(conversion.target() + " sha256 " + conversion.sha256());
            return 0;
        } catch (LuthierException e) {
            err.println(e.getMessage());
            return 1;
        }
    }

    private static Request parse(String[] arguments) {
        List<Path> sources = new ArrayList<>();
        Map<String, String> options = new HashMap<>();
        boolean force = false;
        for (int i = 0; i < arguments.length; i++) {
            String argument = arguments[i];
            switch (argument) {
                case "-o", "--to", "--dtype", "--family", "--rules", "--ledger" -> {
                    if (++i == arguments.length) {
                        throw new IllegalArgumentException(argument + " needs a value");
                    }
                    options.put(argument, arguments[i]);
                }
                case "--force" -> force = true;
                default -> {
                    if (argument.startsWith("-")) {
                        throw new IllegalArgumentException("unknown option " + argument);
                    }
                    sources.add(path(argument));
                }
            }
        }
        Path target = path(options.get("-o"));
        if (sources.size() != 1 || target == null) {
            throw new IllegalArgumentException("one input and -o OUT are needed");
        }
        String to = options.get("--to");
        Path ledger = path(options.get("--ledger"));
        return new Request(
                sources.get(0),
                target,
                to == null ? Target.of(target) : Target.named(to),
                options.get("--family"),
                dtype(options.get("--dtype")),
                path(options.get("--rules")),
                ledger == null ? Converter.ledgerBeside(target) : ledger,
                force);
    }

    private static DType dtype(String name) {
        return switch (name == null ? "" : name) {
            case "" -> null;
            case "f32", "f16", "bf16" -> DType.valueOf(name.toUpperCase(Locale.ROOT));
            default -> throw new IllegalArgumentException("--dtype is f32, f16 or bf16, not '" + name + "'");
        };
    }

    private static Path path(String text) {
        try {
            return text == null ? null : Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("'" + text + "' is no path", e);
        }
    }
}
