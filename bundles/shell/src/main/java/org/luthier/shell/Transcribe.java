package org.luthier.shell;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.luthier.api.Progress;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.plugin.Parameter;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.Interruption;
import org.luthier.shell.internal.ParameterGroup;
import org.luthier.shell.internal.ProgressLine;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.KeptJob;
import org.luthier.workbench.Leases;
import org.luthier.workbench.OutputPlan;
import org.luthier.workbench.TranscribeFiles;
import org.luthier.workbench.TranscriptionRequest;
import org.luthier.workbench.Want;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code transcribe}: audio to MIDI. */
@Component(service = ShellCommand.class)
public final class Transcribe extends WorkbenchCommand<Transcribe.Options> {
    @Activate
    public Transcribe(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "transcribe",
            description = {
                "Transcribes audio files to MIDI.",
                "Any format that FFmpeg reads; the channels are averaged. The MIDI file goes beside the audio file unless -o says"
                        + " otherwise, and a file that exists is left alone unless --force is given. With several audio files, -o,"
                        + " --notes, --plot and --keep name folders, and a file that fails does not stop the others. A folder that does"
                        + " not exist is made."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier transcribe song.mp3",
                "  luthier transcribe song.wav -o notes.mid --notes notes.json --plot notes.png",
                "  luthier transcribe song.wav --model mt3 --keep song.job.safetensors",
                "  luthier transcribe *.flac -o transcriptions/ --force",
                "  luthier transcribe song.wav -o strict.mid --onset-threshold 0.6 --min-note-ms 60 --tempo 96"
            })
    static final class Options extends ModelOptions {
        @Parameters(arity = "1..*", paramLabel = "AUDIO", description = "Audio files.")
        List<Path> audio = List.of();

        @Option(
                names = {"-o", "--output"},
                paramLabel = "MIDI",
                description =
                        "MIDI file, or a folder for it, with / at its end if it is new (default: beside the audio file).")
        OutputPlan.Place output;

        @Option(
                names = "--midi-writer",
                paramLabel = "WRITER",
                description =
                        "What writes the MIDI file: midi, or yourmt3-midi, which writes what YourMT3+ does, message by"
                                + " message (default: the model's).")
        String midiWriter;

        @Option(
                names = "--notes",
                paramLabel = "JSON",
                description = "Also write notes, provenance and timing to this file.")
        OutputPlan.Place notes;

        @Option(names = "--plot", paramLabel = "PNG", description = "Also draw a piano roll to this file.")
        OutputPlan.Place plot;

        @Option(
                names = "--keep",
                paramLabel = "JOB",
                description = "Also keep features, encoder output and tokens in this file, for luthier redecode.")
        OutputPlan.Place keep;

        @Option(names = "--force", description = "Replace files that exist.")
        boolean force;

        @Option(names = "--tokenizer", paramLabel = "TOKENIZER", description = "Tokenizer (default: the model's).")
        String tokenizer;

        @Option(names = "--decoder", paramLabel = "DECODER", description = "Decoder (default: the model's).")
        String decoder;

        @Option(names = "--assembler", paramLabel = "ASSEMBLER", description = "Note assembler (default: the model's).")
        String assembler;

        @Option(
                names = "--batch",
                paramLabel = "N",
                description =
                        "Segments that a thread computes at once (default: one; of a model that writes tokens, the"
                                + " thread's share of the recording up to 40).")
        Integer batch;

        TranscriptionRequest request() {
            return TranscriptionRequest.of(null)
                    .withModel(model)
                    .withCheckpoint(checkpoint)
                    .withTokenizer(tokenizer)
                    .withDecoder(decoder)
                    .withAssembler(assembler);
        }
    }

    @Override
    protected List<ParameterGroup> parameters(Options sketch) {
        List<ParameterGroup> groups = new ArrayList<>();
        groups.add(new ParameterGroup("Parameters of the notes", workbench.parameters(sketch.request())));
        groups.add(written(midiWriter(sketch), "MIDI file"));
        if (sketch.notes != null) {
            groups.add(written("json", "notes file"));
        }
        if (sketch.plot != null) {
            groups.add(written("png", "piano roll"));
        }
        return groups;
    }

    private String midiWriter(Options options) {
        return options.midiWriter == null
                ? workbench.definition(options.model, options.checkpoint).midiWriter()
                : options.midiWriter;
    }

    /** The parameters of what writes something; none if it is not there, which is told when it is needed. */
    private ParameterGroup written(String writer, String what) {
        List<Parameter> parameters = List.of();
        if (workbench.parts().ids(TranscriptionWriter.class).contains(writer)) {
            try (Leases leases = workbench.parts().acquire(new Want(TranscriptionWriter.class, writer))) {
                parameters = leases.get(TranscriptionWriter.class, writer).parameters();
            }
        }
        return new ParameterGroup("Parameters of the " + what, parameters);
    }

    @Override
    protected int run(Options options, Console console) {
        TranscriptionRequest request = options.request()
                .withBatch(options.batch)
                .withSettings(parameters(options).get(0).of(options.settings()))
                .withExecution(options.execution(workbench.execution(), options.kernels));
        OutputPlan plan = OutputPlan.of(options.audio, outputs(options), options.force);
        int failures;
        Interruption interruption = new Interruption();
        Consumer<RuntimeException> trouble = why -> {
            // Whatever else went wrong: if the user wants an end, that is what is told, once and at the end.
            interruption.check();
            tell(why, console);
        };
        try (Report report = new Report(console, trouble)) {
            failures = new TranscribeFiles(workbench).run(plan, request, report, interruption);
        }
        if (failures > 0 && plan.entries().size() > 1) {
            console.fail(failures + " of " + plan.entries().size() + " files could not be transcribed");
        }
        return failures == 0 ? DONE : FAILED;
    }

    private List<OutputPlan.Output> outputs(Options options) {
        Map<String, String> settings = options.settings();
        List<OutputPlan.Output> outputs = new ArrayList<>();
        String midiWriter = midiWriter(options);
        outputs.add(new OutputPlan.Output(
                midiWriter,
                ".mid",
                options.output,
                written(midiWriter, "MIDI file").of(settings)));
        if (options.notes != null) {
            outputs.add(new OutputPlan.Output(
                    "json",
                    ".json",
                    options.notes,
                    written("json", "notes file").of(settings)));
        }
        if (options.plot != null) {
            outputs.add(new OutputPlan.Output(
                    "png", ".png", options.plot, written("png", "piano roll").of(settings)));
        }
        if (options.keep != null) {
            outputs.add(new OutputPlan.Output(KeptJob.OUTPUT, ".job.safetensors", options.keep, Map.of()));
        }
        return outputs;
    }

    /** Says what becomes of each file. */
    private static final class Report implements TranscribeFiles.Listener, AutoCloseable {
        private final Console console;
        private final Consumer<RuntimeException> trouble;
        private ProgressLine progress;

        Report(Console console, Consumer<RuntimeException> trouble) {
            this.console = console;
            this.trouble = trouble;
        }

        @Override
        public Progress begun(OutputPlan.Entry entry) {
            progress = console.progress(entry.audio().getFileName().toString());
            return progress;
        }

        @Override
        public void done(OutputPlan.Entry entry, Transcription transcription) {
            close();
            List<String> files = entry.targets().stream()
                    .map(target -> target.path().toString())
                    .toList();
            int notes = transcription.notes().size();
            console.print(String.format(
                    Locale.ROOT,
                    "%s -> %s: %d note%s, %.1f s of audio in %.1f s",
                    entry.audio(),
                    String.join(", ", files),
                    notes,
                    notes == 1 ? "" : "s",
                    transcription.duration(),
                    transcription.timing().total()));
            transcription.provenance().warnings().forEach(warning -> console.warn(entry.audio() + ": " + warning));
        }

        @Override
        public void failed(OutputPlan.Entry entry, RuntimeException why) {
            close();
            trouble.accept(why);
        }

        /** Ends the progress of the file that is being worked on, if any. */
        @Override
        public void close() {
            if (progress != null) {
                progress.close();
                progress = null;
            }
        }
    }
}
