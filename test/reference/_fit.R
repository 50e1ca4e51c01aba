# _fit.R - fits models for the Python reference tests and hands them R's data sets.
#
#   Rscript _fit.R data NAME                   a data set of the package datasets, as CSV with ids in front; a
#                                              table of counts has one row a cell
#   Rscript _fit.R area FILE                   the area under the curve of a CSV file of label (0, 1) and p, and its
#                                              limits by DeLong's method, from the package pROC
#   Rscript _fit.R lm|binomial FILE FORMULA    fits the columns of a CSV file, with weights w_ where it has them
#
# Texts become factors whose levels are in bytewise order. A fit is told in lines of fields between tabs, the first
# being coefficient, figure or warning.

arguments <- commandArgs(trailingOnly = TRUE)

number <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", x))

tell <- function(...) cat(paste(..., sep = "\t"), sep = "\n")

read <- function(file) {
    d <- read.csv(file, check.names = FALSE, encoding = "UTF-8", na.strings = character(0))
    for (name in names(d)) {
        if (is.character(d[[name]])) {
            d[[name]] <- factor(d[[name]], levels = sort(unique(d[[name]]), method = "radix"))
        }
    }
    d
}

# With NA for the aliased columns, which summary() leaves out.
tell_coefficients <- function(model, names) {
    table <- summary(model)$coefficients
    for (name in names) {
        row <- if (name %in% rownames(table)) table[name, ] else rep(NA, 4)
        tell("coefficient", name, paste(number(row), collapse = "\t"))
    }
}

figures <- function(...) {
    values <- list(...)
    for (name in names(values)) tell("figure", name, number(values[[name]]))
}

# The fit again from where it ended, to the last digit. Without the aliased columns, because glm looks for them with a
# tolerance of epsilon / 1000. Twice, because the standard errors belong to the step before the last.
tight <- function(model) {
    if (!model$converged) {
        return(model)
    }
    known <- !is.na(coef(model))
    x <- model.matrix(model)[, known, drop = FALSE]
    refit <- function(start) {
        glm.fit(x, model$y, weights = model$prior.weights, start = start, family = binomial(),
                control = glm.control(epsilon = 1e-14, maxit = 60))
    }
    again <- refit(refit(coef(model)[known])$coefficients)
    class(again) <- c(again$class, "glm", "lm")
    again
}

fit <- function(kind, d, formula) {
    w <- if ("w_" %in% names(d)) d$w_ else NULL
    environment(formula) <- environment()
    if (kind == "lm") {
        model <- lm(formula, d, weights = w)
        s <- summary(model)
        names <- names(coef(model))
        figures(r2 = s$r.squared, adjusted_r2 = s$adj.r.squared, residual_sd = s$sigma,
                residual_sum_of_squares = deviance(model), degrees_of_freedom = df.residual(model),
                rank = model$rank)
    } else {
        model <- glm(formula, binomial, d, weights = w, control = glm.control(maxit = 60))
        names <- names(coef(model))
        model <- tight(model)
        figures(deviance = deviance(model), rank = model$rank)
    }
    tell_coefficients(model, names)
}

area <- function(d) {
    limits <- pROC::ci.auc(pROC::roc(d$label, d$p, levels = c(0, 1), direction = "<"), method = "delong")
    figures(low = limits[1], value = limits[2], high = limits[3])
}

if (arguments[1] == "area") {
    if (requireNamespace("pROC", quietly = TRUE)) area(read.csv(arguments[2]))
} else if (arguments[1] == "data") {
    d <- as.data.frame(get(arguments[2], "package:datasets"), stringsAsFactors = TRUE)
    write.csv(data.frame(id = seq_len(nrow(d)), d), stdout(), row.names = FALSE, na = "", quote = TRUE)
} else {
    withCallingHandlers(
        fit(arguments[1], read(arguments[2]), as.formula(arguments[3])),
        warning = function(w) {
            tell("warning", gsub("[\t\n]", " ", conditionMessage(w)))
            invokeRestart("muffleWarning")
        })
}
