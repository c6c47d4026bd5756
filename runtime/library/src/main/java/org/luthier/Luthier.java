package org.luthier;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.Transcription;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.plugin.Part;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.assembler.basicpitch.BasicPitchNoteAssembler;
import org.luthier.assembler.mt3.Mt3ReferenceAssembler;
import org.luthier.assembler.yourmt3.YourMt3MidiWriter;
import org.luthier.assembler.yourmt3.YourMt3ReferenceAssembler;
import org.luthier.audio.FfmpegAudioReader;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.decoder.beam.BeamDecoder;
import org.luthier.decoder.beam.T5xOneBeamDecoder;
import org.luthier.decoder.greedy.GrammarDecoder;
import org.luthier.decoder.greedy.GreedyDecoder;
import org.luthier.decoder.greedy.YourMt3GreedyDecoder;
import org.luthier.files.Folders;
import org.luthier.files.Reason;
import org.luthier.midi.MidiWriter;
import org.luthier.model.basicpitch.BasicPitchFamily;
import org.luthier.model.mt3.Mt3Family;
import org.luthier.model.yourmt3.YourMt3Family;
import org.luthier.pianoroll.PianoRollWriter;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;
import org.luthier.tokenizer.yourmt3.Tasks;
import org.luthier.workbench.Job;
import org.luthier.workbench.Listeners;
import org.luthier.workbench.ModelCatalog;
import org.luthier.workbench.NotesJsonWriter;
import org.luthier.workbench.Parts;
import org.luthier.workbench.TranscriptionRequest;
import org.luthier.workbench.Versions;
import org.luthier.workbench.Workbench;

/**
 * Luthier in an application: audio files to notes, with the model Basic Pitch inside, and MT3 for those who have its checkpoint.
 *
 * <pre>{@code
 * try (Luthier luthier = Luthier.open()) {
 *     Transcription transcription = luthier.transcribe(Path.of("song.mp3"));
 *     for (Note note : transcription.notes()) {
 *         System.out.println(note.start() + " s: pitch " + note.pitch());
 *     }
 *     luthier.write(transcription, Path.of("song.mid"));
 * }
 * }</pre>
 *
 * <p>With MT3, notes can be shown as they come:
 *
 * <pre>{@code
 * TranscriptionRequest request =
 *         TranscriptionRequest.of(Path.of("band.mp3")).withModel("mt3").withCheckpoint(Path.of("checkpoints/mt3"));
 * Job job = luthier.start(request, Listeners.NONE.withNotes(notes -> notes.forEach(System.out::println)));
 * Transcription transcription = job.await();
 * }</pre>
 *
 * <p>One instance serves any number of threads and keeps the loaded model; opening costs nothing, the first transcription loads the
 * native libraries, which is a second or two. These are the same classes that run inside the OSGi framework, joined by plain
 * constructors; what is not on this class is on {@link #workbench()}. What can go wrong is a {@link LuthierException} with one clear
 * line.
 */
public final class Luthier implements AutoCloseable {
    private static final String INSIDE = "models/";
    /** Of MT3 and YourMT3+ all but the weights: they are read from where the application has them. */
    private static final Map<String, List<String>> INSIDE_FILES = Map.of(
            "basic-pitch", List.of("model.json", "basic-pitch.safetensors"),
            "mt3", List.of("model.json", "SHA256SUMS"),
            "mt3-piano", List.of("model.json"),
            "yourmt3-moe", List.of("model.json"),
            "yourmt3-moe-ps", List.of("model.json"),
            "yourmt3-multi", List.of("model.json"),
            "yourmt3-plus", List.of("model.json"),
            "yourmt3-single", List.of("model.json"));

    private static final Set<String> MIDI = Set.of(".mid", ".midi");
    private static final Map<String, String> WRITERS = Map.of(".json", NotesJsonWriter.ID, ".png", "png");

    private final Workbench workbench;
    private final Path inside;

    private Luthier(Builder builder) {
        inside = unpack();
        List<Path> folders = new ArrayList<>(builder.models);
        folders.add(inside);
        ModelCatalog catalog = new ModelCatalog(folders);
        workbench = builder.execution == null
                ? new Workbench(new Parts(), catalog)
                : new Workbench(new Parts(), catalog, builder.execution);
        add(AudioReader.class, new FfmpegAudioReader());
        Checkpoints.builtIn().formats().forEach(format -> add(CheckpointFormat.class, format));
        add(ModelFamily.class, new BasicPitchFamily());
        add(NoteAssembler.class, new BasicPitchNoteAssembler());
        add(ModelFamily.class, new Mt3Family());
        add(ModelFamily.class, new YourMt3Family());
        add(Tokenizer.class, new Mt3Tokenizer());
        add(Tokenizer.class, new Mt3PianoTokenizer());
        Tasks.all().forEach(tokenizer -> add(Tokenizer.class, tokenizer));
        add(Decoder.class, new GreedyDecoder());
        add(Decoder.class, new YourMt3GreedyDecoder());
        add(Decoder.class, new GrammarDecoder());
        add(Decoder.class, new BeamDecoder());
        add(Decoder.class, new T5xOneBeamDecoder());
        add(NoteAssembler.class, new Mt3ReferenceAssembler());
        add(NoteAssembler.class, new YourMt3ReferenceAssembler());
        add(TranscriptionWriter.class, new MidiWriter());
        add(TranscriptionWriter.class, new YourMt3MidiWriter());
        add(TranscriptionWriter.class, new NotesJsonWriter());
        add(TranscriptionWriter.class, new PianoRollWriter());
    }

    /** Luthier with every default: on the CPU, with one worker a processor. */
    public static Luthier open() {
        return builder().open();
    }

    /** Luthier with something else than the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** What Luthier is opened with. */
    public static final class Builder {
        private final List<Path> models = new ArrayList<>();
        private Execution execution;

        private Builder() {}

        /** Adds a folder of models, each a folder with a {@code model.json}; it comes before what is inside Luthier. */
        public Builder models(Path folder) {
            models.add(folder);
            return this;
        }

        /** What to run on, for jobs that do not say. */
        public Builder execution(Execution value) {
            execution = value;
            return this;
        }

        /** Opens Luthier. */
        public Luthier open() {
            return new Luthier(this);
        }
    }

    /**
     * Transcribes a file with every default.
     *
     * @param audio any format that FFmpeg reads
     * @throws LuthierException if it could not be done
     * @throws org.luthier.api.CancelledException if the thread was interrupted
     */
    public Transcription transcribe(Path audio) {
        return transcribe(TranscriptionRequest.of(audio));
    }

    /**
     * Transcribes a file.
     *
     * @throws LuthierException if it could not be done
     * @throws org.luthier.api.CancelledException if the thread was interrupted
     */
    public Transcription transcribe(TranscriptionRequest request) {
        return workbench.transcribe(request, Progress.NONE, Cancellation.NONE);
    }

    /** Starts to transcribe a file, to be waited for or cancelled.
     *
     * @param progress told how far it is, by several threads */
    public Job start(TranscriptionRequest request, Progress progress) {
        return workbench.start(request, progress);
    }

    /** Starts to transcribe a file and lets others follow it.
     *
     * @param listeners told of notes as they come, besides how far it is */
    public Job start(TranscriptionRequest request, Listeners listeners) {
        return workbench.start(request, listeners);
    }

    /**
     * Writes a transcription, replacing a file that exists; the file is there complete or not at all.
     *
     * @param file its suffix tells the format: {@code .mid} (by the model's writer), {@code .json} (notes, provenance, timing) or
     *     {@code .png} (piano roll)
     * @throws LuthierException for another suffix, or if it cannot be written
     */
    public void write(Transcription transcription, Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        String suffix = name.substring(Math.max(0, name.lastIndexOf('.')));
        String id = MIDI.contains(suffix) ? transcription.midiWriter() : WRITERS.get(suffix);
        if (id == null) {
            throw new LuthierException(
                    "cannot write " + file + ": expected a name that ends in .mid, .midi, .json or .png");
        }
        workbench.write(transcription, id, Map.of(), file, true);
    }

    /** What is underneath: the parts, to which an application may add its own, and the models. */
    public Workbench workbench() {
        return workbench;
    }

    /** Cancels what runs and frees the models. Closing it twice is fine. */
    @Override
    public void close() {
        workbench.close();
        try {
            Folders.delete(inside);
        } catch (IOException e) {
            throw new LuthierException("cannot remove the temporary folder " + inside + ": " + Reason.of(e), e);
        }
    }

    private <P extends Part> void add(Class<P> kind, P part) {
        // As the bundles of the same build have it.
        workbench.parts().add(kind, part, Versions.luthier().replace('-', '.'), 0);
    }

    /** Copies the models out of the class path, which may be a jar inside a jar: checkpoints are read as files. */
    private static Path unpack() {
        try {
            Path folder = Files.createTempDirectory("luthier-models-");
            for (Map.Entry<String, List<String>> model : INSIDE_FILES.entrySet()) {
                Path target = Files.createDirectory(folder.resolve(model.getKey()));
                for (String file : model.getValue()) {
                    try (InputStream in = Luthier.class.getResourceAsStream(INSIDE + model.getKey() + "/" + file)) {
                        Files.copy(in, target.resolve(file));
                    }
                }
            }
            return folder;
        } catch (IOException e) {
            throw new LuthierException(
                    "cannot unpack the models into " + System.getProperty("java.io.tmpdir") + ": " + Reason.of(e), e);
        }
    }
}
