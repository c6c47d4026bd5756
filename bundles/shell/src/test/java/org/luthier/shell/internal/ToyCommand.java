package org.luthier.shell.internal;

import java.nio.file.Path;
import java.util.List;
import org.luthier.api.plugin.Parameter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A command whose work is given, and that keeps the options it was called with. */
class ToyCommand extends ShellCommand<ToyCommand.Options> {
    interface Work {
        int run(Options options, Console console) throws Exception;
    }

    private final Work work;
    Options seen;

    ToyCommand(Surroundings surroundings, Work work) {
        super(surroundings, Options::new);
        this.work = work;
    }

    @Command(
            name = "toy:play",
            description = "Plays.",
            footerHeading = "%nExamples:%n",
            footer = "  luthier toy:play a.wav")
    static final class Options extends CommonOptions {
        @Parameters(arity = "1..*", paramLabel = "FILE", description = "Files.")
        List<Path> files;

        @Option(names = "-o", paramLabel = "FILE", description = "Output.")
        Path output;

        @Option(names = "--part", paramLabel = "PART", description = "Chooses a part.")
        String part;
    }

    @Override
    protected List<ParameterGroup> parameters(Options sketch) {
        if ("other".equals(sketch.part)) {
            return List.of(new ParameterGroup(
                    "Parameters of other", List.of(Parameter.text("colour", "red", "Colour, 100 % free."))));
        }
        return List.of(new ParameterGroup(
                "Parameters of usual",
                List.of(
                        Parameter.number("threshold", 0.5, 0, 1, "", "Smallest share kept."),
                        Parameter.number("min-hz", null, 0, Double.MAX_VALUE, "Hz", "Lowest pitch kept."),
                        Parameter.integer("limit", 11, 0, 100, "frames", "How many."),
                        Parameter.flag("melody", true, "Whether to sing."),
                        Parameter.text("part", "x", "Has the name of an own option."))));
    }

    @Override
    protected List<String> candidates(String label) {
        return label.equals("PART") ? List.of("other", "usual") : List.of();
    }

    @Override
    protected int run(Options options, Console console) throws Exception {
        seen = options;
        return work.run(options, console);
    }
}
