package org.luthier.debug;

import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.files.AtomicFile;

/**
 * The intermediates of one run of a model: what a trace and a reference both are.
 *
 * <p>In a file this is the format {@code luthier-reference/1}, or a recording made elsewhere that an adapter of the model family
 * explains; docs/reference-format.md describes both. Tensors of a file are read when they are asked for. Read-only; may be used by several
 * threads.
 */
public final class Reference implements AutoCloseable {
    /**
     * What is known of the run.
     *
     * @param model id of the model family
     * @param framework what ran it, for example {@code "luthier"} or {@code "onnxruntime"}
     * @param dtype type it was computed in, for example {@code "float32"}
     * @param seed seed of what was random, or {@code "none"}
     * @param segments number of the segment in each row; empty if not known
     * @param ownFeatures whether the network was fed what the run's own front end made of the sound, and so has its rounding too
     */
    public record Header(
            String model, String framework, String dtype, String seed, List<Integer> segments, boolean ownFeatures) {
        /** Of a run that was fed recorded features, or of which that is not known. */
        public Header(String model, String framework, String dtype, String seed, List<Integer> segments) {
            this(model, framework, dtype, seed, segments, false);
        }
    }

    private final String title;
    private final Header header;
    private final Origin origin;
    private final Map<String, Supplier<RecordedTensor>> tensors;
    private final Runnable closing;

    Reference(String title, Header header, Map<String, Supplier<RecordedTensor>> tensors, Runnable closing) {
        this(title, header, Origin.UNKNOWN, tensors, closing);
    }

    Reference(
            String title,
            Header header,
            Origin origin,
            Map<String, Supplier<RecordedTensor>> tensors,
            Runnable closing) {
        this.title = title;
        this.header = header;
        this.origin = origin;
        this.tensors = tensors;
        this.closing = closing;
    }

    /**
     * A reference in memory.
     *
     * @param title what to call it in messages
     * @param tensors in order of execution
     */
    public static Reference of(String title, Header header, List<RecordedTensor> tensors) {
        Map<String, Supplier<RecordedTensor>> byName = new LinkedHashMap<>();
        tensors.forEach(tensor -> byName.put(tensor.name(), () -> tensor));
        return new Reference(title, header, byName, () -> {});
    }

    /**
     * Opens a file, whatever its suffix.
     *
     * @param adapters adapters, those of the model families at hand among them, for recordings made elsewhere and for those of our format
     *     whose tensors have the names of their framework; the first that recognises the file explains it
     * @throws LuthierException if it is no reference, or breaks a rule of the format
     */
    public static Reference open(Path file, List<URL> adapters) {
        Checkpoint checkpoint = Checkpoints.builtIn().open(file);
        try {
            Reference reference = of(checkpoint, adapters);
            Path weights = reference.origin.checkpoint();
            return weights == null
                    ? reference
                    : reference.of(file.resolveSibling(weights).normalize(), reference.origin.sha256());
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    private static Reference of(Checkpoint checkpoint, List<URL> adapters) {
        List<String> known = new ArrayList<>();
        for (URL url : adapters) {
            ReferenceAdapter adapter = ReferenceAdapter.read(url);
            if (adapter.recognises(checkpoint)) {
                return adapter.adapt(checkpoint);
            }
            known.add(adapter.title());
        }
        if (ReferenceFormat.isOne(checkpoint)) {
            return ReferenceFormat.read(checkpoint);
        }
        throw new LuthierException(
                checkpoint.name() + " is no reference: expected safetensors whose metadata say format = "
                        + ReferenceFormat.FORMAT + (known.isEmpty() ? "" : ", or one of: " + String.join("; ", known))
                        + "; found "
                        + checkpoint.format() + " with " + checkpoint.tensors().size()
                        + " tensors; recordings of other tools need an adapter of their model family");
    }

    /** The same, of a run on features of its own. */
    Reference onOwnFeatures() {
        Header own =
                new Header(header.model(), header.framework(), header.dtype(), header.seed(), header.segments(), true);
        return new Reference(title, own, origin, tensors, closing);
    }

    /**
     * The same and more, in memory.
     *
     * @param more by their names
     * @param names all, in order of execution
     */
    Reference with(Map<String, RecordedTensor> more, List<String> names) {
        Map<String, Supplier<RecordedTensor>> all = new LinkedHashMap<>();
        names.forEach(name -> all.put(name, more.containsKey(name) ? () -> more.get(name) : tensors.get(name)));
        return new Reference(title, header, origin, all, () -> {});
    }

    /** The same, of a model that is known. */
    Reference of(Origin known) {
        return new Reference(title, header, known, tensors, closing);
    }

    /** The same, of a model with these weights.
     *
     * @param sha256 lower-case hexadecimal */
    public Reference of(Path checkpoint, String sha256) {
        return of(new Origin(origin.definition(), checkpoint, sha256, origin.cached(), origin.computations()));
    }

    /** What to call it in messages: the file's name. */
    public String title() {
        return title;
    }

    /** What is known of the run. */
    public Header header() {
        return header;
    }

    /** What is known of the model, if it was one of ours. */
    public Origin origin() {
        return origin;
    }

    /** How the tensors come from each other, as far as the file tells. */
    public TensorGraph graph() {
        return new TensorGraph(origin.computations());
    }

    /** Canonical names in order of execution. */
    public List<String> names() {
        return List.copyOf(tensors.keySet());
    }

    /** Whether there is a tensor of a name. */
    public boolean has(String name) {
        return tensors.containsKey(name);
    }

    /**
     * One tensor.
     *
     * @throws LuthierException if there is none of that name, or it cannot be read
     */
    public RecordedTensor tensor(String name) {
        Supplier<RecordedTensor> tensor = tensors.get(name);
        if (tensor == null) {
            throw new LuthierException(
                    title + " has no tensor '" + name + "'; it has " + String.join(", ", tensors.keySet()));
        }
        return tensor.get();
    }

    /**
     * Writes the file, whole or not at all.
     *
     * @param overwrite whether an existing file may be replaced
     * @throws LuthierException if it cannot be written
     */
    public void write(Path target, boolean overwrite) {
        List<RecordedTensor> all = names().stream().map(this::tensor).toList();
        Map<String, String> metadata = ReferenceFormat.metadata(header, origin, target, all);
        List<SafetensorsWriter.Tensor> stored =
                all.stream().map(ReferenceFormat::stored).toList();
        AtomicFile.write(target, overwrite, out -> SafetensorsWriter.write(out, metadata, stored));
    }

    /** Closes the file, if there is one. */
    @Override
    public void close() {
        closing.run();
    }
}
