package org.luthier.converter;

import java.nio.file.Path;
import org.luthier.api.checkpoint.DType;

/**
 * What to convert, and how.
 *
 * @param source the checkpoint
 * @param target the file or folder to write
 * @param to its format
 * @param family id of the model family, or null for the one that recognises the checkpoint
 * @param dtype F32, F16 or BF16 for all floating-point weights, or null to keep each one's type
 * @param rules a user's own name rules, or null
 * @param ledger the ledger to write
 * @param overwrite whether what exists may be replaced
 */
public record Request(
        Path source, Path target, Target to, String family, DType dtype, Path rules, Path ledger, boolean overwrite) {

    /** A conversion to the format that the target is named for, nothing replaced, the ledger beside it. */
    public static Request of(Path source, Path target) {
        return new Request(source, target, Target.of(target), null, null, null, Converter.ledgerBeside(target), false);
    }

    /** The same of a family; null for the one that recognises the checkpoint. */
    public Request family(String id) {
        return new Request(source, target, to, id, dtype, rules, ledger, overwrite);
    }

    /** The same with floating-point weights in one type; null to keep each one's. */
    public Request dtype(DType type) {
        return new Request(source, target, to, family, type, rules, ledger, overwrite);
    }

    /** The same with a user's own name rules; null for none. */
    public Request rules(Path file) {
        return new Request(source, target, to, family, dtype, file, ledger, overwrite);
    }

    /** The same with the ledger elsewhere. */
    public Request ledger(Path file) {
        return new Request(source, target, to, family, dtype, rules, file, overwrite);
    }

    /** The same, replacing what exists if asked to. */
    public Request overwrite(boolean asked) {
        return new Request(source, target, to, family, dtype, rules, ledger, asked);
    }
}
