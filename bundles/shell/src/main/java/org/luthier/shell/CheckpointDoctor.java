package org.luthier.shell;

import java.nio.file.Path;
import org.luthier.debug.doctor.Diagnosis;
import org.luthier.debug.doctor.Doctor;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.Interruption;
import org.luthier.shell.internal.ProgressLine;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code checkpoint:doctor}: what is wrong with a checkpoint. */
@Component(service = ShellCommand.class)
public final class CheckpointDoctor extends WorkbenchCommand<CheckpointDoctor.Options> {
    @Activate
    public CheckpointDoctor(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "checkpoint:doctor",
            description = {
                "Examines a checkpoint and says where it first looks wrong, why, and what to do next.",
                "Names, shapes, values and vocabulary; with --audio what becomes of the loudest seconds, from the signal to the notes,"
                        + " and whether the decoder's cache forgets; with --reference the first layer that departs. Exits with 0 if it"
                        + " is healthy, with 3 if not, with 1 if it cannot be opened."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier checkpoint:doctor checkpoint_1000000",
                "  luthier checkpoint:doctor model.pth --audio song.wav",
                "  luthier checkpoint:doctor model.pth --model mt3 --reference reference.safetensors --json"
            })
    static final class Options extends CommonOptions {
        @Parameters(paramLabel = "CHECKPOINT", description = "File or folder; its format is told by its content.")
        Path path;

        @Option(names = "--audio", paramLabel = "FILE", description = "Audio file to run it on.")
        Path audio;

        @Option(
                names = "--reference",
                paramLabel = "FILE",
                description = "A trace, a reference, or a golden that an adapter of the family explains.")
        Path reference;

        @Option(
                names = "--model",
                paramLabel = "MODEL",
                description = "What it should be (default: the model that it fits).")
        String model;

        @Option(
                names = "--kernels",
                paramLabel = "KERNELS",
                description =
                        "Arithmetic: cpu is fast, nd4j runs everywhere, plain is the oracle (default: the backend's).")
        String kernels;

        @Mixin
        JsonOption json;
    }

    @Override
    protected int run(Options options, Console console) {
        Diagnosis diagnosis;
        try (ProgressLine progress = console.progress(options.path.toString())) {
            diagnosis = new Doctor(workbench)
                    .examine(
                            new Doctor.Question(
                                    options.path,
                                    options.model,
                                    options.audio,
                                    options.reference,
                                    options.execution(workbench.execution(), options.kernels)),
                            progress,
                            new Interruption());
        }
        options.json.print(console, diagnosis::asMap, diagnosis::text);
        if (options.json.asked) {
            // The table has them.
            diagnosis.remarks().forEach(console::remark);
        }
        return diagnosis.healthy() ? DONE : FOUND;
    }
}
