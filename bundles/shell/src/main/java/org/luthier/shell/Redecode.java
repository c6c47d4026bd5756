package org.luthier.shell;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.Transcription;
import org.luthier.api.plugin.PartVersion;
import org.luthier.evaluation.Prf;
import org.luthier.evaluation.Scores;
import org.luthier.files.AtomicFile;
import org.luthier.files.text.TextTable;
import org.luthier.midi.MidiReader;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.Interruption;
import org.luthier.shell.internal.ParameterGroup;
import org.luthier.shell.internal.ProgressLine;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.RedecodeJob;
import org.luthier.workbench.TranscriptionRequest;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code redecode}: a kept job through other parts. */
@Component(service = ShellCommand.class)
public final class Redecode extends WorkbenchCommand<Redecode.Options> {
    private static final int NAMED = 8;

    @Activate
    public Redecode(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "redecode",
            description = {
                "Puts a kept job through other parts and shows both results.",
                "The job is a file of transcribe --keep. Another tokenizer or note assembler reads the kept tokens, without the model."
                        + " Another decoder, or another setting of it, starts from what the encoder made of the recording, with the"
                        + " job's weights; if --checkpoint names others, the kept features are encoded anew."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier redecode song.job.safetensors --decoder beam -o beam.mid",
                "  luthier redecode song.job.safetensors --decoder grammar --truth truth.mid",
                "  luthier redecode song.job.safetensors --checkpoint finetuned --json"
            })
    static final class Options extends CommonOptions {
        @Parameters(index = "0", paramLabel = "JOB", description = "File that transcribe --keep wrote.")
        Path job;

        @Option(names = "--tokenizer", paramLabel = "TOKENIZER", description = "Tokenizer (default: the job's).")
        String tokenizer;

        @Option(names = "--decoder", paramLabel = "DECODER", description = "Decoder (default: the job's).")
        String decoder;

        @Option(names = "--assembler", paramLabel = "ASSEMBLER", description = "Note assembler (default: the job's).")
        String assembler;

        @Option(
                names = "--truth",
                paramLabel = "MIDI",
                description = "MIDI file with the truth, to score both results against.")
        Path truth;

        @Option(
                names = {"-o", "--output"},
                paramLabel = "MIDI",
                description = "Write the new notes to this file, as the model writes its MIDI files.")
        Path output;

        @Option(names = "--force", description = "Replace the file if it exists.")
        boolean force;

        @Option(
                names = "--model",
                paramLabel = "MODEL",
                description = "Model to decode again with (default: the job's).")
        String model;

        @Option(
                names = "--checkpoint",
                paramLabel = "CHECKPOINT",
                description = "Weights to decode again with (default: the model's own, which must be the job's).")
        Path checkpoint;

        @Option(
                names = "--kernels",
                paramLabel = "KERNELS",
                description =
                        "Arithmetic: cpu is fast, nd4j runs everywhere, plain is the oracle (default: the backend's).")
        String kernels;

        @Option(
                names = "--batch",
                paramLabel = "N",
                description = "Segments that a thread computes at once (default: the thread's share up to 40).")
        Integer batch;

        @Mixin
        JsonOption json;

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
        return sketch.job == null
                ? List.of()
                : List.of(new ParameterGroup(
                        "Parameters of the notes",
                        new RedecodeJob(workbench).parameters(sketch.job, sketch.request())));
    }

    @Override
    protected int run(Options options, Console console) {
        if (options.output != null) {
            AtomicFile.check(options.output, options.force);
        }
        List<Note> truth = options.truth == null ? null : MidiReader.read(options.truth);
        TranscriptionRequest request = options.request()
                .withBatch(options.batch)
                .withSettings(options.settings())
                .withExecution(options.execution(workbench.execution(), options.kernels));
        RedecodeJob.Result result = redecode(options, request, console);
        if (options.output != null) {
            workbench.write(
                    result.redecoded(), result.redecoded().midiWriter(), Map.of(), options.output, options.force);
        }
        options.json.print(console, () -> json(result, truth), () -> table(result, truth));
        result.redecoded().provenance().remarks().stream()
                .filter(remark -> !result.kept().provenance().remarks().contains(remark))
                .forEach(console::remark);
        result.redecoded().provenance().warnings().forEach(console::warn);
        return DONE;
    }

    private RedecodeJob.Result redecode(Options options, TranscriptionRequest request, Console console) {
        try (ProgressLine progress = console.progress(options.job.toString())) {
            return new RedecodeJob(workbench).run(options.job, request, progress, new Interruption());
        }
    }

    private static Map<String, Object> json(RedecodeJob.Result result, List<Note> truth) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("segments", result.kept().segments().size());
        json.put("changed", result.changed());
        json.put("kept", json(result.kept(), truth));
        json.put("new", json(result.redecoded(), truth));
        return json;
    }

    private static Map<String, Object> json(Transcription transcription, List<Note> truth) {
        Provenance provenance = transcription.provenance();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("model", provenance.model());
        json.put("checkpoint", provenance.checkpoint());
        json.put("tokenizer", provenance.tokenizer());
        json.put("decoder", provenance.decoder());
        json.put("assembler", provenance.assembler());
        json.put("parameters", provenance.parameters());
        json.put("tokens", tokens(transcription));
        json.put("notes", transcription.notes().size());
        json.put("invalid", transcription.invalid());
        json.put("dropped", transcription.dropped());
        if (truth != null) {
            json.put("scores", Scores.compare(truth, transcription.notes()).asMap());
        }
        return json;
    }

    private static String table(RedecodeJob.Result result, List<Note> truth) {
        TextTable table = new TextTable().row("", "KEPT", "NEW");
        row(table, "model", result, one -> part(one.provenance().model()));
        row(table, "tokenizer", result, one -> part(one.provenance().tokenizer()));
        row(table, "decoder", result, one -> part(one.provenance().decoder()));
        row(table, "assembler", result, one -> part(one.provenance().assembler()));
        row(table, "tokens", result, Redecode::tokens);
        row(table, "notes", result, one -> one.notes().size());
        row(table, "invalid", result, Transcription::invalid);
        row(table, "dropped", result, Transcription::dropped);
        if (truth != null) {
            Map<String, Prf> kept =
                    ScoreRows.of(Scores.compare(truth, result.kept().notes()));
            Map<String, Prf> now =
                    ScoreRows.of(Scores.compare(truth, result.redecoded().notes()));
            kept.forEach((name, score) -> table.row(
                    name + " F1", ScoreRows.figure(score, Prf::f1), ScoreRows.figure(now.get(name), Prf::f1)));
        }
        return table + "\n" + changes(result);
    }

    private static void row(
            TextTable table, String name, RedecodeJob.Result result, Function<Transcription, Object> value) {
        table.row(name, value.apply(result.kept()), value.apply(result.redecoded()));
    }

    private static String part(PartVersion part) {
        return part.id() + " " + part.version();
    }

    private static int tokens(Transcription transcription) {
        return transcription.segments().stream()
                .flatMap(segment -> segment.channels().stream())
                .mapToInt(IntList::size)
                .sum();
    }

    private static String changes(RedecodeJob.Result result) {
        int segments = result.kept().segments().size();
        List<Integer> changed = result.changed();
        if (changed.isEmpty()) {
            return "the tokens of all " + segments + " segments are the same";
        }
        List<String> named = new ArrayList<>(
                changed.stream().limit(NAMED).map(String::valueOf).toList());
        if (changed.size() > NAMED) {
            named.add("...");
        }
        return changed.size() + " of " + segments + " segments have other tokens: " + String.join(", ", named);
    }
}
