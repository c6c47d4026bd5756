package org.luthier.shell;

import java.nio.file.Path;
import java.util.List;
import org.luthier.api.Cancellation;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.model.Model;
import org.luthier.debug.NameGlob;
import org.luthier.debug.Reference;
import org.luthier.debug.TraceInput;
import org.luthier.debug.Tracer;
import org.luthier.files.AtomicFile;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.Interruption;
import org.luthier.shell.internal.ProgressLine;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Leases;
import org.luthier.workbench.ModelLease;
import org.luthier.workbench.Want;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code layer:trace}: records what goes on inside a model. */
@Component(service = ShellCommand.class)
public final class LayerTrace extends WorkbenchCommand<LayerTrace.Options> {
    /** A trace of a whole song would be gigabytes. */
    private static final List<Integer> FIRST = List.of(0);

    @Activate
    public LayerTrace(
            @org.osgi.service.component.annotations.Reference Surroundings surroundings,
            @org.osgi.service.component.annotations.Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "layer:trace",
            customSynopsis = "luthier layer:trace [OPTIONS] (--audio=FILE | --input=FILE) -o=TRACE",
            description = {
                "Runs a model and records its intermediate tensors.",
                "The file is safetensors in the format luthier-reference/1, which layer:diff compares with a reference. A healthy trace"
                        + " is a valid reference.",
                "The decoder of a token model is fed the ids that the input recorded, else the first 15 that it says itself; what it says"
                        + " when it runs freely is recorded too."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier layer:trace --audio song.wav --segment 3 -o song.trace",
                "  luthier layer:trace --input reference.safetensors -o mine.trace",
                "  luthier layer:trace --audio song.wav --layers 'contour*,onset2' -o contours.trace",
                "  luthier layer:trace --input reference.safetensors --model mt3 --layer encoder.layer3 -o layer3.trace",
                "  luthier layer:trace --audio song.wav --input ids.npy --model mt3 -o fed.trace"
            })
    static final class Options extends ModelOptions {
        @ArgGroup(exclusive = false, multiplicity = "1")
        Source source;

        @Mixin
        NamesOption names;

        @Option(
                names = "--segment",
                split = ",",
                paramLabel = "N",
                description = "Segments to run, counted from 0 (default: 0 of audio, all of a recorded input).")
        List<Integer> segments;

        @Option(
                names = "--layers",
                paramLabel = "GLOB",
                description = "Tensors to record: * is any text, ? one letter, a comma separates (default: all).")
        String layers = "*";

        @Option(
                names = "--layer",
                paramLabel = "NAME",
                description =
                        "One layer alone: its tensors and those it is fed, which are the reference's if --input is one that holds them.")
        String layer;

        @Option(
                names = "--cached",
                description = "Feed the decoder its ids one by one, with its cache, and not all at once.")
        boolean cached;

        @Option(
                names = {"-o", "--output"},
                required = true,
                paramLabel = "TRACE",
                description = "File to write.")
        Path output;

        @Option(names = "--force", description = "Replace the file if it exists.")
        boolean force;
    }

    /** Where the input comes from. */
    static final class Source {
        @Option(names = "--audio", paramLabel = "FILE", description = "Audio file to run the model on.")
        Path audio;

        @Option(
                names = "--input",
                paramLabel = "FILE",
                description =
                        "Audio, samples, features, or a reference whose recorded inputs are used; beside --audio the ids that the"
                                + " decoder is fed.")
        Path input;
    }

    @Override
    protected int run(Options options, Console console) {
        AtomicFile.check(options.output, options.force);
        Interruption cancellation = new Interruption();
        Source source = options.source;
        Path from = source.audio == null ? source.input : source.audio;
        try (ModelLease lease = options.open(workbench)) {
            TraceInput input = input(options, lease.model(), console, cancellation);
            Tracer tracer = new Tracer(lease.model(), options.cached);
            Reference made = options.layer == null
                    ? tracer.trace(input, NameGlob.of(options.layers), cancellation)
                    : layer(options, tracer, input, console, cancellation);
            Reference trace = made.of(options.weights(workbench, lease.model()), lease.checkpointSha256());
            cancellation.check();
            trace.write(options.output, options.force);
            int tensors = trace.names().size();
            console.print(from + " -> " + options.output + ": " + tensors + (tensors == 1 ? " tensor" : " tensors"));
            return DONE;
        }
    }

    /** One layer alone, fed what a reference recorded if there is one. */
    private Reference layer(
            Options options, Tracer tracer, TraceInput input, Console console, Cancellation cancellation) {
        if (!(input instanceof TraceInput.Recorded)) {
            return tracer.traceLayer(input, options.layer, cancellation);
        }
        try (Reference whole = Reference.open(options.source.input, options.names.adapters(workbench))) {
            List<String> own = tracer.inputs(options.layer).stream()
                    .filter(name -> !whole.has(name))
                    .toList();
            if (!own.isEmpty()) {
                console.remark("not recorded, so made by the model itself: " + String.join(", ", own));
            }
            return tracer.traceLayer(new TraceInput.Recorded(whole, options.segments), options.layer, cancellation);
        }
    }

    private TraceInput input(Options options, Model model, Console console, Cancellation cancellation) {
        Source source = options.source;
        if (source.audio == null) {
            return TraceInput.read(source.input, model, options.names.adapters(workbench), options.segments)
                    .orElseGet(() -> sound(source.input, options, model, console, cancellation));
        }
        // Before the audio file, which may be long.
        int[][] ids = source.input == null ? null : TraceInput.ids(source.input);
        TraceInput sound = sound(source.audio, options, model, console, cancellation);
        return ids == null ? sound : new TraceInput.Forced(sound, ids);
    }

    private TraceInput sound(Path audio, Options options, Model model, Console console, Cancellation cancellation) {
        try (Leases leases = workbench.parts().acquire(new Want(AudioReader.class, Workbench.AUDIO_READER));
                ProgressLine progress = console.progress(audio.toString())) {
            float[] samples = leases.get(AudioReader.class, Workbench.AUDIO_READER)
                    .read(audio, model.frontend().framing().sampleRate(), progress, cancellation)
                    .samples();
            return new TraceInput.Samples(samples, options.segments == null ? FIRST : options.segments);
        }
    }
}
